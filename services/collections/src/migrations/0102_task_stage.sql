-- which stage asked for a task: its number means another stage on another ladder
alter table tasks add column strategy_id {text};
alter table tasks add column stage_name {text};
alter table tasks add column stage_day {int};
-- those given so far are taken to be of the ladder their case follows
update tasks set strategy_id = (select cases.strategy_id from cases where cases.case_id = tasks.case_id)
where stage > 0;
update tasks set stage_name = (
    select s.content -> 'stages' -> cast(tasks.stage - 1 as integer) ->> 'name'
    from strategies s where s.strategy_id = tasks.strategy_id)
where stage > 0;
update tasks set stage_day = (
    select cast(s.content -> 'stages' -> cast(tasks.stage - 1 as integer) ->> 'from_day' as bigint)
    from strategies s where s.strategy_id = tasks.strategy_id)
where stage > 0;
