-- all items of an account page by page, settled ones too: what a snapshot tells
create index items_account on items (account_id, currency, item_id);
