//! Running figures in the tables against sums of the facts beside them.

use weir_store::{Db, sql};

/// Fails unless every running figure in the database is what its facts sum up to.
pub(super) async fn assert_rebuilds(db: &Db) {
    let wrong = [
        ("open amounts of items", db.query(sql!(
            "select count(*) from items where open_amount <> amount - coalesce(
                (select cast(sum(a.amount) as bigint) from allocations a
                 where (items.kind <> 'credit_note' and a.item_id = items.item_id)
                    or (items.kind = 'credit_note' and a.source_kind = 'credit_note' and a.source_id = items.item_id)), 0)"
        ))),
        ("disputed amounts of items", db.query(sql!(
            "select count(*) from items where disputed_amount <> case when dispute_claim < open_amount then dispute_claim else open_amount end
                or dispute_claim <> coalesce((select claim from disputes d where d.item_id = items.item_id order by number desc limit 1), 0)"
        ))),
        ("unapplied amounts of payments", db.query(sql!(
            "select count(*) from payments p where unapplied_amount <> case
                when exists (select 1 from payment_reversals r where r.payment_id = p.payment_id) then 0
                else amount - coalesce((select cast(sum(a.amount) as bigint) from allocations a
                    where a.source_kind = 'payment' and a.source_id = p.payment_id), 0) end"
        ))),
        ("positions", db.query(sql!(
            "select count(*) from positions p where
                open_amount <> coalesce((select cast(sum(i.open_amount) as bigint) from items i
                    where i.account_id = p.account_id and i.currency = p.currency and i.kind <> 'credit_note'), 0)
             or disputed_amount <> coalesce((select cast(sum(i.disputed_amount) as bigint) from items i
                    where i.account_id = p.account_id and i.currency = p.currency and i.kind <> 'credit_note'), 0)
             or unapplied_amount <> coalesce((select cast(sum(i.open_amount) as bigint) from items i
                    where i.account_id = p.account_id and i.currency = p.currency and i.kind = 'credit_note'), 0)
                + coalesce((select cast(sum(m.unapplied_amount) as bigint) from payments m
                    where m.account_id = p.account_id and m.currency = p.currency and m.state = 'booked'), 0)"
        ))),
        ("sales", db.query(sql!(
            "select count(*) from positions p where
                coalesce((select cast(sum(s.invoiced_amount) as bigint) from monthly_sales s
                    where s.account_id = p.account_id and s.currency = p.currency), 0)
             <> coalesce((select cast(sum(case when i.kind = 'credit_note' then -i.amount else i.amount end) as bigint) from items i
                    where i.account_id = p.account_id and i.currency = p.currency and i.kind <> 'charge'
                      and i.cancelled_date is null), 0)"
        ))),
        ("settlements", db.query(sql!(
            "select count(*) from positions p where
                coalesce((select cast(sum(s.settled_amount) as bigint) from settlements s
                    where s.account_id = p.account_id and s.currency = p.currency), 0)
             <> coalesce((select cast(sum(a.amount) as bigint) from allocations a
                    where a.account_id = p.account_id and a.currency = p.currency and a.source_kind = 'payment'), 0)"
        ))),
    ];
    for (what, query) in wrong {
        assert_eq!(query.scalar::<i64>().await.unwrap(), 0, "{what}");
    }
}
