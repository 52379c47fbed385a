use crate::{AccountId, Fault, Fields, Kind, Reason};

#[test]
fn every_bad_field_is_named() {
    let mut fields = Fields::default();
    let account = fields.check("account_id", AccountId::parse(""));
    fields.add("amount", "must be positive");
    let fault = fields.finish_with(account).unwrap_err();
    let paths: Vec<&str> = fault.fields.iter().map(|field| field.path.as_str()).collect();
    assert_eq!((fault.kind, paths), (Kind::InvalidArgument, vec!["account_id", "amount"]));
}

#[test]
fn a_read_value_does_not_hide_a_bad_field() {
    let mut fields = Fields::default();
    fields.add("amount", "must be positive");
    assert!(fields.finish_with(Some(1)).is_err());
}

#[test]
fn nothing_wrong_is_no_fault() {
    assert_eq!(Fields::default().finish_with(Some(1)), Ok::<i32, Fault>(1));
}

#[test]
fn reasons_are_unique_upper_snake() {
    let mut names: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Reason::ALL.len());
}
