-- what an account owes in a currency, running; locked first by every change of the account in the currency
create table positions (
    account_id         {text} not null,
    currency           {text} not null,
    version            {int} not null,
    open_amount        {money} not null,
    disputed_amount    {money} not null,
    unapplied_amount   {money} not null,
    first_invoice_date {date},
    last_recorded_at   {instant},
    primary key (account_id, currency),
    check (open_amount >= 0 and disputed_amount >= 0 and unapplied_amount >= 0)
) {table};

-- what was handed in; a number comes once
create table documents (
    document_number {text} not null primary key,
    account_id      {text} not null,
    currency        {text} not null,
    -- as posted, so that other content under the same number is found out
    content         {text} not null,
    -- what the poster was told
    answer          {text} not null,
    recorded_at     {instant} not null,
    recorded_by     {text} not null
) {table};

create table items (
    item_id           {text} not null primary key,
    account_id        {text} not null,
    currency          {text} not null,
    kind              {text} not null,
    document_number   {text} not null references documents (document_number),
    document_date     {date} not null,
    posting_date      {date} not null,
    due_date          {date} not null,
    amount            {money} not null,
    -- running: amount less allocations
    open_amount       {money} not null,
    -- running: the last dispute
    dispute_claim     {money} not null,
    -- running: at most what is open
    disputed_amount   {money} not null,
    settled_date      {date},
    settled_days_late {int},
    cancelled_date    {date},
    restored_date     {date},
    order_id          {text},
    salesperson       {text} not null,
    region            {text} not null,
    industry          {text} not null,
    correlation_id    {text} not null,
    recorded_at       {instant} not null,
    recorded_by       {text} not null,
    version           {int} not null,
    -- running: one bit a level, as in alerts
    alerts_fired      {int} not null,
    next_alert_date   {date},
    check (amount > 0 and open_amount >= 0 and open_amount <= amount and dispute_claim >= 0),
    foreign key (account_id, currency) references positions (account_id, currency)
) {table};
create index items_open on items (account_id, currency, due_date) where open_amount > 0;
create index items_document on items (document_number);
create index items_due on items (due_date, item_id);
create index items_next_alert on items (next_alert_date) where next_alert_date is not null;
create index items_document_date on items (document_date);

create table payments (
    payment_id       {text} not null primary key,
    account_id       {text} not null,
    currency         {text} not null,
    amount           {money} not null,
    -- running: amount less allocations
    unapplied_amount {money} not null,
    effective_date   {date} not null,
    -- running: future, booked, reversed
    state            {text} not null,
    reversed_date    {date},
    restored_date    {date},
    applied_date     {date},
    -- as handed in
    content          {text} not null,
    -- what its recorder was told
    answer           {text} not null,
    correlation_id   {text} not null,
    recorded_at      {instant} not null,
    recorded_by      {text} not null,
    recorded_date    {date} not null,
    version          {int} not null,
    check (amount > 0 and unapplied_amount >= 0 and unapplied_amount <= amount),
    foreign key (account_id, currency) references positions (account_id, currency)
) {table};
create index payments_account on payments (account_id, currency);
create index payments_future on payments (effective_date) where state = 'future';

create table payment_reversals (
    payment_id     {text} not null primary key references payments (payment_id),
    reason         {text} not null,
    effective_date {date} not null,
    recorded_at    {instant} not null,
    recorded_by    {text} not null
) {table};

-- facts: documents cancelled as a whole
create table cancellations (
    document_number {text} not null primary key references documents (document_number),
    reason          {text} not null,
    effective_date  {date} not null,
    recorded_at     {instant} not null,
    recorded_by     {text} not null
) {table};

-- facts: credit given to an item, and (negative) taken back
create table allocations (
    allocation_id  {text} not null primary key,
    account_id     {text} not null,
    currency       {text} not null,
    item_id        {text} not null references items (item_id),
    source_kind    {text} not null,
    source_id      {text} not null,
    amount         {money} not null,
    reverses       {text} unique references allocations (allocation_id),
    effective_date {date} not null,
    recorded_at    {instant} not null,
    recorded_by    {text} not null,
    check ((amount > 0 and reverses is null) or (amount < 0 and reverses is not null))
) {table};
create index allocations_item on allocations (item_id, effective_date);
create index allocations_source on allocations (source_id, effective_date);

-- facts: how much of an item is disputed from a date on
create table disputes (
    number          {serial},
    dispute_id      {text} not null unique,
    account_id      {text} not null,
    currency        {text} not null,
    item_id         {text} not null references items (item_id),
    claim           {money} not null,
    reason          {text} not null,
    effective_date  {date} not null,
    recorded_at     {instant} not null,
    recorded_by     {text} not null
) {table};
create index disputes_item on disputes (item_id, number);

-- running: how much of an order line has been invoiced
create table order_lines (
    account_id      {text} not null,
    currency        {text} not null,
    order_id        {text} not null,
    line_id         {text} not null,
    invoiced_amount {money} not null,
    primary key (account_id, currency, order_id, line_id)
) {table};

-- running: payments by lateness
create table settlements (
    account_id     {text} not null,
    currency       {text} not null,
    days_late      {int} not null,
    item_count     {int} not null,
    settled_amount {money} not null,
    primary key (account_id, currency, days_late)
) {table};

-- running: sales by month
create table monthly_sales (
    account_id      {text} not null,
    currency        {text} not null,
    month_date      {date} not null,
    invoice_count   {int} not null,
    invoiced_amount {money} not null,
    primary key (account_id, currency, month_date)
) {table};

-- facts: alerts that fired, once per item and level
create table alerts (
    item_id     {text} not null references items (item_id),
    -- one bit a level
    level       {int} not null,
    account_id  {text} not null,
    currency    {text} not null,
    fired_date  {date} not null,
    open_amount {money} not null,
    recorded_at {instant} not null,
    primary key (item_id, level)
) {table};
create index alerts_fired on alerts (fired_date, item_id, level);
create index alerts_account on alerts (account_id, fired_date);
