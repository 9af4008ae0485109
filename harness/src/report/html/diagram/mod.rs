//! The picture of a path: nodes side by side with their interfaces, time downwards, as the article draws it.

mod draw;
mod label;
mod lanes;
mod layout;
mod mark;

pub(super) use lanes::Lanes;

use maud::Markup;

use crate::path::PacketPath;

/// Draws a path on the lanes of its lab as SVG, named `title` for those who don't see it.
pub(super) fn diagram(path: &PacketPath, lanes: &Lanes, title: &str) -> Markup {
    draw::svg(&layout::layout(path, lanes), lanes, title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn drawn(path: &PacketPath, others: &[PacketPath]) -> String {
        let lanes = Lanes::of(std::iter::once(path).chain(others));
        diagram(path, &lanes, "c1 → 8.8.8.8")
            .into_string()
            .replace("><", ">\n<")
    }

    #[test]
    fn an_answered_path_shows_both_ways_and_its_rewrites() {
        insta::assert_snapshot!(drawn(&sample::answered(), &[]));
    }

    #[test]
    fn a_drop_is_crossed_out_where_it_fell_and_says_why() {
        let svg = drawn(&sample::dropped(), &[sample::answered()]);
        assert_eq!(svg.matches("class=\"cross\"").count(), 1);
        assert!(svg.contains("filter/FORWARD -j &lt;DROP&gt;: drop"));
        assert!(svg.contains(">outside<"), "the node that it never reached");
    }

    #[test]
    fn a_path_without_a_hop_still_says_how_it_ended() {
        let mut path = sample::dropped();
        path.legs.clear();
        path.fate = crate::path::Fate::Unreachable {
            reason: String::from("ENETUNREACH"),
        };
        assert!(drawn(&path, &[]).contains("ENETUNREACH"));
    }
}
