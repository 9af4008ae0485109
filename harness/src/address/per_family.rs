//! At most one of something for each address family.

use std::net::IpAddr;

use super::{Family, Prefix, Subnet};

/// At most one value for each family. There is no first one: who reads it names the family, or takes each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PerFamily<T> {
    v4: Option<T>,
    v6: Option<T>,
}

/// What is of one family.
pub trait OfFamily {
    /// Its family.
    fn family(&self) -> Family;
}

impl<T> PerFamily<T> {
    /// Nothing of either family.
    pub const NONE: Self = Self { v4: None, v6: None };

    /// What there is of a family.
    pub fn get(&self, family: Family) -> Option<&T> {
        match family {
            Family::Ipv4 => self.v4.as_ref(),
            Family::Ipv6 => self.v6.as_ref(),
        }
    }

    /// Puts a value in its family's place, and returns what was there.
    pub fn set(&mut self, family: Family, value: T) -> Option<T> {
        match family {
            Family::Ipv4 => self.v4.replace(value),
            Family::Ipv6 => self.v6.replace(value),
        }
    }

    /// Each value, IPv4's before IPv6's.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.into_iter()
    }

    /// Each value, to change it.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.v4.iter_mut().chain(&mut self.v6)
    }

    /// Whether there is nothing of either family.
    pub fn is_empty(&self) -> bool {
        self.v4.is_none() && self.v6.is_none()
    }

    /// Another value of the same family for each.
    pub fn map<U>(self, to: impl Fn(T) -> U) -> PerFamily<U> {
        PerFamily {
            v4: self.v4.map(&to),
            v6: self.v6.map(&to),
        }
    }
}

impl<T> Default for PerFamily<T> {
    fn default() -> Self {
        Self::NONE
    }
}

impl<T: OfFamily> From<T> for PerFamily<T> {
    fn from(value: T) -> Self {
        let mut alone = Self::NONE;
        alone.set(value.family(), value);
        alone
    }
}

impl<'a, T> IntoIterator for &'a PerFamily<T> {
    type Item = &'a T;
    type IntoIter = std::iter::Chain<std::option::Iter<'a, T>, std::option::Iter<'a, T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.v4.iter().chain(&self.v6)
    }
}

impl<T: serde::Serialize> serde::Serialize for PerFamily<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

impl<T> IntoIterator for PerFamily<T> {
    type Item = T;
    type IntoIter = std::iter::Chain<std::option::IntoIter<T>, std::option::IntoIter<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.v4.into_iter().chain(self.v6)
    }
}

impl OfFamily for IpAddr {
    fn family(&self) -> Family {
        Family::of(*self)
    }
}

impl OfFamily for Prefix {
    fn family(&self) -> Family {
        Family::of(self.address)
    }
}

impl OfFamily for Subnet {
    fn family(&self) -> Family {
        Family::of(self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_has_a_place_of_its_own() {
        let [v4, v6] = [Family::Ipv4, Family::Ipv6].map(Family::loopback);
        let mut both = PerFamily::from(v6);
        assert_eq!(both.get(Family::Ipv4), None);
        assert_eq!(both.set(Family::Ipv4, v4), None);
        assert_eq!(both.iter().collect::<Vec<_>>(), [&v4, &v6]);
        let any = Family::Ipv4.any();
        assert_eq!(both.set(Family::Ipv4, any), Some(v4));
        assert_eq!(
            both.map(Family::of).into_iter().collect::<Vec<_>>(),
            Family::ALL
        );
        assert!(PerFamily::<IpAddr>::NONE.is_empty() && !both.is_empty());
    }
}
