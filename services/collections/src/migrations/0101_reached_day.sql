-- how far dunning has come, as the first day of the stage: its number means another stage on another ladder.
-- stage_reached is not read any more
alter table items add column reached_day {int};
-- the numbers known so far are taken to be those of the ladder each account follows
update items set reached_day = (
    select cast(s.content -> 'stages' -> cast(items.stage_reached - 1 as integer) ->> 'from_day' as bigint)
    from strategies s join standings a on s.grade = a.grade or s.grade = ''
    where a.account_id = items.account_id and s.state = 'active'
    order by s.grade desc limit 1)
where stage_reached > 0;
