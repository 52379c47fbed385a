create table profiles (
    account_id {text} primary key,
    version {int} not null,
    legal_name {text} not null,
    country {text} not null,
    industry {text} not null,
    cross_border {bool} not null,
    currency {text} not null,
    requested_limit {money},
    daily_sales {money},
    updated_at {instant} not null
) {table};

create table facts (
    sequence {serial},
    account_id {text} not null,
    name {text} not null,
    -- last day of the statement period, empty for what is no statement figure: null would not be unique
    period {text} not null,
    source {text} not null,
    document_id {text} not null,
    value {json} not null,
    retrieved_at {instant} not null,
    retrieved_date {date} not null,
    valid_until {date},
    recorded_at {instant} not null,
    recorded_by {text} not null,
    constraint facts_document unique (account_id, name, period, source, document_id)
) {table};

create table scorecards (
    sequence {serial},
    scorecard_id {text} not null unique,
    name {text} not null,
    version {int} not null,
    content {json} not null,
    created_at {instant} not null,
    created_by {text} not null,
    constraint scorecards_version unique (name, version)
) {table};

create table scorecard_activations (
    sequence {serial},
    scorecard_id {text} not null references scorecards (scorecard_id),
    effective_date {date} not null,
    activated_at {instant} not null,
    activated_by {text} not null
) {table};

create index scorecard_activations_by_date on scorecard_activations (effective_date, sequence);

create table grade_policies (
    sequence {serial},
    policy_id {text} not null unique,
    version {int} not null unique,
    effective_date {date} not null,
    content {json} not null,
    created_at {instant} not null,
    created_by {text} not null
) {table};

create table assessments (
    sequence {serial},
    assessment_id {text} not null unique,
    account_id {text} not null,
    version {int} not null,
    as_of_date {date} not null,
    state {text} not null,
    grade {text} not null,
    score {rate} not null,
    currency {text} not null,
    recommended_limit {money} not null,
    terms_days {int} not null,
    review_date {date} not null,
    report {json} not null,
    created_at {instant} not null,
    created_by {text} not null,
    decided_at {instant},
    decided_by {text}
) {table};

create index assessments_by_account on assessments (account_id, sequence);

-- what counts now: the newest approved assessment of each account
create table grades (
    account_id {text} primary key,
    version {int} not null,
    assessment_id {text} not null,
    grade {text} not null,
    score {rate} not null,
    currency {text} not null,
    recommended_limit {money} not null,
    terms_days {int} not null,
    effective_date {date} not null,
    review_date {date} not null,
    -- of registration, as the profile had it
    country {text} not null
) {table};

-- learned from receivables
create table behaviours (
    account_id {text} not null,
    currency {text} not null,
    version {int} not null,
    history {json},
    schedule {json} not null,
    primary key (account_id, currency)
) {table};
