//! Reading files: mappings, bad cells, what a good row brings. What reaches the databases is tested with the program.

use weir_model::Currency;
use weir_wire::receivables::v1::import_row::Fact;

use super::{
    mapping::{Mapping, MappingError},
    reading::{Batch, Rows},
    row::{DateFormat, Layout},
};

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn layout(pairs: &[&str], header: &[String]) -> Layout {
    Layout {
        mapping: Mapping::build(&texts(pairs), header).unwrap(),
        date_format: "%m/%d/%Y".parse().unwrap(),
        currency: Currency::from_code("USD").unwrap(),
        terms_days: 30,
    }
}

/// Reads a whole file whose columns are named as the fields are.
fn read(file: &[u8]) -> Batch {
    let mut rows = Rows::open(file).unwrap();
    let layout = layout(&[], rows.header());
    rows.next_batch(&layout).unwrap().unwrap()
}

fn problems(file: &[u8]) -> Vec<(u64, String, String)> {
    let batch = read(file);
    let told = |row: &super::reading::Unreadable| {
        let line = row.line;
        row.cells.iter().map(move |cell| (line, cell.column.clone(), cell.reason.clone())).collect::<Vec<_>>()
    };
    batch.unreadable.iter().flat_map(told).collect()
}

#[test]
fn every_problem_of_a_mapping_is_told_at_once() {
    let header = texts(&["customer", "number", "total"]);
    let pairs = texts(&["customer=account", "number", "nobody=document", "total=sum", "number=account"]);
    let Err(MappingError(told)) = Mapping::build(&pairs, &header) else { panic!("the mapping is wrong") };
    assert_eq!(told.len(), 6, "{told:#?}");
    assert_eq!(told[0], "--map number: is not COLUMN=FIELD");
    assert_eq!(told[1], "--map nobody=document: the file has no column \"nobody\"; it has customer, number, total");
    assert!(told[2].starts_with("--map total=sum: \"sum\" is no field; fields are account, document, "), "{}", told[2]);
    assert_eq!(told[3], "--map number=account: account is mapped already, \"number\" would be a second column");
    assert_eq!(told[4], "no column is mapped to invoice_date: add --map COLUMN=invoice_date");
    assert_eq!(told[5], "no column is mapped to amount: add --map COLUMN=amount");
}

#[test]
fn a_column_named_as_a_field_needs_no_mapping() {
    let header = texts(&["account", "document", "invoice_date", "amount", "Land"]);
    let mapping = Mapping::build(&texts(&["Land=region"]), &header).unwrap();
    assert_eq!(mapping.column(super::mapping::Field::Region), Some((4, "Land")));
    assert_eq!(mapping.column(super::mapping::Field::Amount), Some((3, "amount")));
    assert_eq!(mapping.column(super::mapping::Field::DueDate), None);
}

#[test]
fn a_format_that_reads_no_date_is_refused() {
    for bad in ["", "%Y-%m", "%H:%M", "%Q", "date"] {
        assert!(bad.parse::<DateFormat>().is_err(), "{bad}");
    }
    for good in ["%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d", "%d %b %Y"] {
        assert!(good.parse::<DateFormat>().is_ok(), "{good}");
    }
}

#[test]
fn every_bad_cell_of_a_row_is_told_with_line_and_column() {
    let file = b"account,document,invoice_date,due_date,amount,currency,disputed,settled_date\n\
        C 1,,13/45/2012,1/2/2012,-5,XXQ,maybe,soon\n";
    let columns: Vec<(u64, String)> = problems(file).into_iter().map(|(line, column, _)| (line, column)).collect();
    let expected = ["account", "document", "invoice_date", "currency", "amount", "disputed", "settled_date"];
    assert_eq!(columns, expected.map(|column| (2, column.to_owned())));
}

#[test]
fn a_bad_row_leaves_the_others_and_lines_count_as_an_editor_counts_them() {
    let file = b"account,document,invoice_date,amount\n\
        C1,D1,1/2/2012,10.00\n\
        C1,\"D2\",1/2/2012,ten\n\
        \"C\n1\",D3,1/2/2012,10.00\n\
        C1,D4,1/2/2012\n\
        C1,D5,1/2/2012,10.005\n\
        C1,D6,1/2/2012,10.00\n";
    let batch = read(file);
    let good: Vec<u64> = batch.origins.iter().map(|origin| origin.line).collect();
    assert_eq!(good, [2, 8]);
    let bad: Vec<(u64, String)> = problems(file).into_iter().map(|(line, column, _)| (line, column)).collect();
    let named = [(3, "amount"), (4, "account"), (6, ""), (7, "amount")];
    assert_eq!(bad, named.map(|(line, column)| (line, column.to_owned())));
}

#[test]
fn the_byte_order_mark_of_a_spreadsheet_is_no_part_of_the_first_column() {
    let rows = Rows::open("\u{feff}account,document,invoice_date,amount\n".as_bytes()).unwrap();
    assert_eq!(rows.header()[0], "account");
}

#[test]
fn a_cell_that_is_not_utf8_is_told() {
    let told = problems(b"account,document,invoice_date,amount,region\nC1,D1,1/2/2012,10.00,\xff\xfe\n");
    assert_eq!(told, [(2, "region".to_owned(), "is not UTF-8".to_owned())]);
}

#[test]
fn an_empty_file_is_refused() {
    assert!(Rows::open(&b""[..]).is_err());
}

#[test]
fn amounts_may_have_their_thousands_apart() {
    for (text, is_good) in [
        ("\"1,234.50\"", true),
        ("1234.5", true),
        ("\"12,34\"", false),
        ("\"1,234.5,0\"", false),
        ("1e3", false),
        ("NaN", false),
    ] {
        let file = format!("account,document,invoice_date,amount\nC1,D1,1/2/2012,{text}\n");
        assert_eq!(read(file.as_bytes()).unreadable.is_empty(), is_good, "{text}");
    }
}

#[test]
fn a_due_date_before_the_invoice_date_is_told() {
    let told = problems(b"account,document,invoice_date,due_date,amount\nC1,D1,2/2/2012,2/1/2012,1.00\n");
    assert_eq!(told[0].1, "due_date");
    assert_eq!(told[0].2, "2012-02-01 lies before the invoice date 2012-02-02");
}

#[test]
fn a_row_brings_its_invoice_then_its_dispute_then_its_payment() {
    let batch = read(
        b"account,document,invoice_date,due_date,amount,disputed,settled_date\n\
          C1,D1,1/2/2012,2/1/2012,55.94,Yes,1/15/2012\n",
    );
    assert_eq!(batch.origins[0].fact_count, 3);
    assert!(batch.rows.iter().all(|row| row.row_number == 2));
    let facts: Vec<&Fact> = batch.rows.iter().filter_map(|row| row.fact.as_ref()).collect();
    let [Fact::Invoice(invoice), Fact::Dispute(dispute), Fact::Payment(payment)] = facts[..] else {
        panic!("another order: {facts:?}")
    };
    assert_eq!(invoice.document_number, "D1");
    assert_eq!(dispute.item_id, "D1");
    assert_eq!(payment.amount, invoice.amount);
    assert_eq!(payment.payment_number, "paid:D1");
    assert_eq!(payment.references[0].document_number, "D1");
    let settled = payment.effective_date.unwrap();
    assert_eq!((settled.year, settled.month, settled.day), (2012, 1, 15));
}

#[test]
fn without_a_due_date_the_given_terms_hold() {
    use weir_wire::receivables::v1::invoice::Due;
    let batch = read(b"account,document,invoice_date,due_date,amount,disputed,settled_date\nC1,D1,1/2/2012,,1,No,\n");
    let Some(Fact::Invoice(invoice)) = &batch.rows[0].fact else { panic!("no invoice") };
    assert_eq!(batch.rows.len(), 1);
    assert_eq!(invoice.due, Some(Due::NetDays(30)));
}

#[test]
fn a_long_file_comes_in_parts() {
    let mut file = "account,document,invoice_date,amount\n".to_owned();
    for number in 0..450 {
        file.push_str(&format!("C1,D{number},1/2/2012,1.00\n"));
    }
    let mut rows = Rows::open(file.as_bytes()).unwrap();
    let layout = layout(&[], rows.header());
    let mut sizes = Vec::new();
    while let Some(batch) = rows.next_batch(&layout).unwrap() {
        sizes.push(batch.rows.len());
    }
    assert_eq!(sizes, [200, 200, 50]);
}

/// Runs the whole command on databases in a folder; answers whether every row was taken, and what was printed.
async fn imported(folder: &std::path::Path, file: &str, more: &[&str]) -> (std::process::ExitCode, String) {
    use clap::Parser as _;
    let path = folder.join("file.csv");
    std::fs::write(&path, file).unwrap();
    let (path, data) = (path.display().to_string(), folder.join("data").display().to_string());
    let line = ["weir", "import", "receivables", &path, "--data", &data, "--currency", "USD"];
    let cli = crate::args::Cli::parse_from(line.iter().chain(more));
    let crate::args::Command::Import(args) = cli.command else { panic!("another command") };
    let mut out = Vec::new();
    let code = super::import(args, &mut out).await.unwrap();
    (code, String::from_utf8(out).unwrap())
}

const FILE: &str = "account,document,invoice_date,due_date,amount,disputed,settled_date\n\
    C1,D1,2024-01-02,2024-02-01,100.00,no,2024-01-20\n\
    C1,D2,2024-03-01,2024-03-31,40.00,yes,\n\
    C2,D3,2024-03-05,2024-04-04,60.00,no,2024-05-01\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn importing_twice_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let aging = ["--aging", "2024-04-10"];
    let (first_code, first) = imported(folder.path(), FILE, &aging).await;
    let (second_code, second) = imported(folder.path(), FILE, &aging).await;
    assert_eq!((first_code, second_code), (std::process::ExitCode::SUCCESS, std::process::ExitCode::SUCCESS));
    assert!(first.contains("posted                3   (6 invoices, disputes and payments)"), "{first}");
    assert!(second.contains("posted                0   (0 invoices, disputes and payments)"), "{second}");
    assert!(second.contains("unchanged             3"), "{second}");
    // 40.00 ten days and 60.00 six days past due on 10 April
    for printed in [&first, &second] {
        let told: Vec<String> =
            printed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert!(told.iter().any(|line| line.starts_with("1-30 100.00 100.0 %")), "{printed}");
        assert!(told.contains(&"outstanding 100.00".to_owned()), "{printed}");
        assert!(told.contains(&"of which disputed 40.00".to_owned()), "{printed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_refuses_is_told_by_line_and_the_rest_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file =
        format!("{FILE}C1,D1,2024-01-02,2024-02-01,999.00,no,\nC1,D4,2024-13-02,,x,no,\nC3,D5,2024-06-01,,5.00,,\n");
    let (code, printed) = imported(folder.path(), &file, &[]).await;
    assert_eq!(code, std::process::ExitCode::FAILURE);
    let told: Vec<&str> = printed.lines().collect();
    assert!(told.iter().any(|line| line.starts_with("line 5: ") && line.ends_with("(DOCUMENT_MISMATCH)")), "{printed}");
    assert!(told.contains(&"line 6, column invoice_date: \"2024-13-02\" is no date written as %Y-%m-%d"), "{printed}");
    assert!(told.contains(&"line 6, column amount: \"x\" is no amount"), "{printed}");
    assert!(told.contains(&"posted                4   (7 invoices, disputes and payments)"), "{printed}");
    assert!(told.contains(&"refused               2"), "{printed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_customer_of_a_file_is_assessed() {
    let folder = tempfile::tempdir().unwrap();
    let (_, printed) = imported(folder.path(), FILE, &["--assess", "2024-12-31"]).await;
    assert!(printed.contains("Assessment of 2 accounts as of 2024-12-31"), "{printed}");
    assert!(printed.lines().any(|line| line.trim_start().starts_with("C1 ")), "{printed}");
    assert!(printed.lines().any(|line| line.trim_start().starts_with("C2 ")), "{printed}");
}

#[test]
fn what_only_looks_like_an_amount_is_none() {
    let cny = weir_model::Currency::from_code("CNY").unwrap();
    for text in [",500", "1_0", "1,00", "1,000,0", "1.0,0", "", ".", "1e3", "0x1", "12,34.5"] {
        assert!(super::row::amount(text, cny).is_err(), "{text:?}");
    }
    for (text, minor) in [("500", 50_000), ("1,500.25", 150_025), ("1,234,567", 123_456_700), ("0.01", 1)] {
        assert_eq!(super::row::amount(text, cny).unwrap().minor(), minor, "{text:?}");
    }
}

#[test]
fn a_year_of_two_digits_is_no_year() {
    let format: super::row::DateFormat = "%m/%d/%Y".parse().unwrap();
    assert!(format.read("01/02/13").is_err());
    assert_eq!(format.read("1/2/2013").unwrap(), chrono::NaiveDate::from_ymd_opt(2013, 1, 2).unwrap());
}
