create table policies (
    policy_id      {text} not null primary key,
    -- null while a draft
    effective_date {date},
    policy         {json} not null
) {table};
create index policies_effective_date on policies (effective_date) where effective_date is not null;

-- taken by whoever changes the tree, so that two changes cannot make a cycle together
create table group_tree (
    one     {int} primary key check (one = 1),
    version {int} not null
) {table};
insert into group_tree (one, version) values (1, 0);

create table account_groups (
    group_id        {text} not null primary key,
    name            {text} not null,
    version         {int} not null,
    parent_group_id {text} references account_groups (group_id),
    shares_exposure {bool} not null,
    inherits_block  {bool} not null,
    -- the pool; both null where there is none
    pool_currency   {text},
    pool_amount     {money},
    -- the account whose block is the group's, a member of it or of a group below it
    head_account_id {text},
    created_at      {instant} not null,
    check ((pool_currency is null) = (pool_amount is null)),
    check (pool_amount is null or pool_amount >= 0)
) {table};
create index account_groups_parent on account_groups (parent_group_id);

create table credit_accounts (
    account_id      {text} not null primary key,
    version         {int} not null,
    currency        {text} not null,
    segment         {text} not null,
    -- where it is registered, ISO 3166-1 alpha-2; null while nobody told it
    country         {text},
    group_id        {text} references account_groups (group_id),
    shares_exposure {bool} not null,
    inherits_block  {bool} not null,
    -- of the newest approved assessment; null while there is none
    grade           {text},
    grade_version   {int} not null,
    grade_record    {json},
    terms_days      {int} not null,
    order_policy    {json},
    policy_id       {text} references policies (policy_id),
    frozen          {bool} not null,
    opened_at       {instant} not null
) {table};
create index credit_accounts_group on credit_accounts (group_id, account_id);
create index credit_accounts_grade on credit_accounts (grade, account_id);
create index credit_accounts_policy on credit_accounts (policy_id, account_id);

create table limits (
    limit_id         {text} not null primary key,
    account_id       {text} not null references credit_accounts (account_id),
    segment          {text} not null,
    currency         {text} not null,
    kind             {text} not null check (kind in ('standing')),
    ceiling          {text} not null check (ceiling in ('amount', 'unlimited')),
    amount           {money},
    valid_from       {date} not null,
    valid_to         {date},
    -- first day on which a later limit counts instead; never deleted
    superseded_from  {date},
    limit_request_id {text} not null,
    granted_at       {instant} not null,
    check ((ceiling = 'amount') = (amount is not null)),
    check (amount is null or amount >= 0),
    check (valid_to is null or valid_to >= valid_from)
) {table};
-- of those that count on their first day there is one for each period
create unique index limits_period on limits (account_id, segment, currency, kind, valid_from)
    where superseded_from is null or superseded_from > valid_from;

create table temporary_limits (
    temporary_limit_id {text} not null primary key,
    account_id         {text} not null references credit_accounts (account_id),
    segment            {text} not null,
    currency           {text} not null,
    overlay            {text} not null check (overlay in ('delta', 'absolute')),
    amount             {money} not null check (amount >= 0),
    valid_from         {date} not null,
    valid_to           {date} not null check (valid_to >= valid_from),
    limit_request_id   {text} not null,
    reason             {text} not null,
    requested_by       {text} not null,
    granted_by         {text} not null,
    granted_at         {instant} not null,
    -- first day on which it no longer counts because it was taken back, by whom, when and why
    revoked_on         {date},
    revoked_by         {text},
    revoked_at         {instant},
    revoke_reason      {text},
    check ((revoked_on is null) = (revoked_by is null)),
    check ((revoked_on is null) = (revoked_at is null)),
    check ((revoked_on is null) = (revoke_reason is null))
) {table};
create index temporary_limits_account on temporary_limits (account_id);

create table freezes (
    freeze_id   {serial},
    account_id  {text} not null references credit_accounts (account_id),
    reason      {text} not null,
    frozen_by   {text} not null,
    frozen_at   {instant} not null,
    frozen_on   {date} not null,
    lifted_by   {text},
    lifted_at   {instant},
    lifted_on   {date},
    lift_reason {text}
) {table};
create unique index freezes_open on freezes (account_id) where lifted_on is null;
create index freezes_account on freezes (account_id);

create table insurances (
    insurance_id     {text} not null primary key,
    account_id       {text} not null references credit_accounts (account_id),
    -- what the insurer calls its policy
    policy_reference {text} not null,
    currency         {text} not null,
    insured_amount   {money} not null check (insured_amount > 0),
    -- the share of a loss the insurer bears, in hundredths of a percent
    cover_hundredths {int} not null check (cover_hundredths between 1 and 10000),
    valid_from       {date} not null,
    valid_to         {date} not null check (valid_to >= valid_from),
    reason           {text} not null,
    set_by           {text} not null,
    set_at           {instant} not null,
    -- first day on which it no longer counts because it was ended early, by whom, when and why
    ended_on         {date},
    ended_by         {text},
    ended_at         {instant},
    end_reason       {text},
    check ((ended_on is null) = (ended_by is null)),
    check ((ended_on is null) = (ended_at is null)),
    check ((ended_on is null) = (end_reason is null))
) {table};
create index insurances_account on insurances (account_id);

create table limit_requests (
    limit_request_id {text} not null primary key,
    account_id       {text} not null references credit_accounts (account_id),
    version          {int} not null,
    state            {text} not null,
    origin           {text} not null,
    -- first day of the granted limit; null until approved
    starts_on        {date},
    request          {json} not null
) {table};
create index limit_requests_account on limit_requests (account_id, limit_request_id);
create index limit_requests_state on limit_requests (state, limit_request_id);
