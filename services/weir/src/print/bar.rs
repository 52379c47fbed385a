//! Bars of eighths of a character.

/// Parts of a character, an eighth each.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A bar as long as `part` is of `whole`, at most `width_max` characters; at least an eighth for anything above zero.
pub fn bar(part: i64, whole: i64, width_max: usize) -> String {
    if part <= 0 || whole <= 0 {
        return String::new();
    }
    let room = i128::try_from(width_max).unwrap_or(0) * 8;
    let eighths = (i128::from(part) * room / i128::from(whole)).clamp(1, room.max(1));
    let (full, rest) = (eighths / 8, eighths % 8);
    let mut bar = "█".repeat(usize::try_from(full).unwrap_or(0));
    bar.push_str(usize::try_from(rest).ok().and_then(|rest| EIGHTHS.get(rest)).copied().unwrap_or_default());
    bar
}
