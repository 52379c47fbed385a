//! Names of made-up companies.

use rand::rngs::StdRng;

use super::company::pick;

const CITIES: [&str; 10] = ["上海", "苏州", "杭州", "深圳", "广州", "天津", "青岛", "成都", "重庆", "宁波"];
const MARKS: [&str; 12] =
    ["恒远", "明德", "华信", "瑞丰", "天成", "金桥", "东海", "同盛", "泰安", "新锐", "永昌", "博雅"];
const LINES: [&str; 8] = ["仪表", "机电", "电子", "医疗器械", "精密制造", "自动化", "新材料", "贸易"];

const PLACES: [&str; 12] = [
    "Northgate",
    "Silverton",
    "Oakfield",
    "Redhill",
    "Clearwater",
    "Summit",
    "Eastbank",
    "Granite",
    "Meridian",
    "Alder",
    "Kingsway",
    "Lakeside",
];
const TRADES: [&str; 8] =
    ["Controls", "Electric", "Medical", "Machining", "Automation", "Materials", "Trading", "Optics"];
const FORMS: [&str; 3] = ["Ltd", "Co.", "GmbH"];

/// Draws a name.
pub(super) fn draw(rng: &mut StdRng, is_chinese: bool) -> String {
    if is_chinese {
        return format!("{}{}{}有限公司", pick(rng, &CITIES), pick(rng, &MARKS), pick(rng, &LINES));
    }
    format!("{} {} {}", pick(rng, &PLACES), pick(rng, &TRADES), pick(rng, &FORMS))
}
