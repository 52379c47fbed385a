-- ladders; content never changes once made
create table strategies (
    strategy_id  {text} not null primary key,
    grade        {text} not null,
    state        {text} not null,
    content      {json} not null,
    created_by   {text} not null,
    created_at   {instant} not null,
    activated_by {text},
    activated_at {instant},
    version      {int} not null
) {table};
-- the ladders in force, as a version: goes up with each activation
create table policy (
    one     {int} primary key check (one = 1),
    version {int} not null
) {table};
insert into policy (one, version) values (1, 0);

-- one row an account: what the gate is told, and what serialises work on the account
create table standings (
    account_id    {text} not null primary key,
    version       {int} not null,
    blocked       {bool} not null,
    block_reason  {text} not null,
    blocked_by    {text} not null,
    blocked_at    {instant},
    dunning_level {int} not null,
    grade         {text} not null,
    grade_version {int} not null
) {table};

create table debtors (
    account_id  {text} not null primary key,
    version     {int} not null,
    name        {text} not null,
    language    {text} not null,
    emails      {json} not null,
    phone       {text} not null,
    salesperson {text}
) {table};

-- what receivables told, with how far dunning has come
create table debts (
    account_id       {text} not null,
    currency         {text} not null,
    version          {int} not null,
    last_notice_date {date},
    primary key (account_id, currency)
) {table};
create table items (
    account_id      {text} not null,
    item_id         {text} not null,
    currency        {text} not null,
    document_number {text} not null,
    document_date   {date} not null,
    due_date        {date} not null,
    amount          {money} not null,
    open            {money} not null,
    disputed        {money} not null,
    settled_date    {date},
    order_id        {text},
    correlation_id  {text},
    version         {int} not null,
    stage_reached   {int} not null,
    primary key (account_id, item_id)
) {table};
create index items_open on items (account_id) where open > 0;

create table cases (
    case_id          {text} not null primary key,
    account_id       {text} not null,
    currency         {text} not null,
    state            {text} not null,
    strategy_id      {text} not null,
    anchor_item_id   {text},
    stage            {int} not null,
    level            {int} not null,
    owner            {text} not null,
    opened_date      {date} not null,
    closed_date      {date},
    last_notice_date {date},
    version          {int} not null
) {table};
create unique index cases_open on cases (account_id, currency) where state = 'open';
create index cases_account on cases (account_id);

create table tasks (
    task_id    {text} not null primary key,
    case_id    {text} not null,
    account_id {text} not null,
    kind       {text} not null,
    stage      {int} not null,
    item_id    {text} not null,
    owner      {text} not null,
    assignee   {text},
    due_date   {date} not null,
    state      {text} not null,
    note       {text} not null,
    done_by    {text},
    ended_at   {instant},
    version    {int} not null
) {table};
create index tasks_case on tasks (case_id);
create index tasks_due on tasks (state, due_date, task_id);

create table contacts (
    contact_id     {text} not null primary key,
    case_id        {text} not null,
    account_id     {text} not null,
    channel        {text} not null,
    outcome        {text} not null,
    contact_person {text} not null,
    note           {text} not null,
    contact_at     {instant} not null,
    recorded_by    {text} not null,
    recorded_at    {instant} not null
) {table};
create index contacts_case on contacts (case_id, recorded_at, contact_id);

create table promises (
    promise_id  {text} not null primary key,
    case_id     {text},
    account_id  {text} not null,
    item_id     {text} not null,
    currency    {text} not null,
    amount      {money} not null,
    date        {date} not null,
    grace_days  {int} not null,
    open_before {money} not null,
    received    {money} not null,
    state       {text} not null,
    judged_date {date},
    note        {text} not null,
    recorded_by {text} not null,
    recorded_at {instant} not null,
    version     {int} not null
) {table};
create unique index promises_open on promises (account_id, item_id) where state = 'open';
create index promises_recorded on promises (recorded_at, promise_id);
create index promises_account on promises (account_id);

-- the outbox, and what was sent, exactly as it read
create table notices (
    notice_id        {text} not null primary key,
    kind             {text} not null,
    account_id       {text} not null,
    currency         {text},
    case_id          {text},
    hold_id          {text},
    stage            {int} not null,
    tone             {text},
    anchor_item_id   {text},
    business_date    {date} not null,
    state            {text} not null,
    recipients       {json} not null,
    language         {text} not null,
    template         {text} not null,
    template_version {text} not null,
    subject          {text} not null,
    body_text        {text} not null,
    body_html        {text} not null,
    listed           {json} not null,
    total            {money},
    message_id       {text} not null,
    correlation_id   {text} not null,
    attempts         {int} not null,
    next_attempt_at  {instant} not null,
    state_reason     {text} not null,
    created_at       {instant} not null,
    sent_at          {instant},
    version          {int} not null
) {table};
-- one unsent notice a case
create unique index notices_unsent on notices (case_id)
    where kind = 'debtor' and state in ('queued', 'sending', 'failed');
-- one notice a hold and recipient, for ever
create unique index notices_hold on notices (hold_id, kind) where kind <> 'debtor';
create index notices_due on notices (next_attempt_at) where state in ('queued', 'sending');
create index notices_created on notices (created_at, notice_id);
create index notices_account on notices (account_id);

create table runs (
    run_id         {text} not null primary key,
    business_date  {date} not null,
    policy_version {int} not null,
    state          {text} not null,
    counts         {json} not null,
    started_by     {text} not null,
    started_at     {instant} not null,
    finished_at    {instant},
    version        {int} not null,
    unique (business_date, policy_version)
) {table};
-- what each request for a run was answered
create table run_answers (
    subject    {text} not null,
    request_id {text} not null,
    answer     {json} not null,
    primary key (subject, request_id)
) {table};
