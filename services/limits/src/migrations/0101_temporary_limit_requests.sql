-- the request that granted it; null for one granted when none was needed
alter table temporary_limits add column limit_request_id {text};
