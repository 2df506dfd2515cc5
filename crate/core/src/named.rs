//! Enums whose variants go by names, everywhere the same: in files, events and options.

/// A choice among a few that go by names.
pub(crate) trait Named {
    /// Every name, in the order of the variants.
    const NAMES: &'static [&'static str];
}

/// Declares such an enum.
macro_rules! named {
    (
        $(#[$about:meta])+
        $name:ident { $($(#[$meaning:meta])+ $variant:ident = $text:literal,)+ }
    ) => {
        $(#[$about])+
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
        )]
        pub enum $name {
            $($(#[$meaning])+ #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every one, in their order.
            pub const ALL: &'static [Self] = &[$($name::$variant),+];
            /// Every name, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// The one that goes by this name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|choice| choice.name() == name)
            }

            /// The name it goes by.
            pub fn name(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)+
                }
            }
        }

        impl $crate::named::Named for $name {
            const NAMES: &'static [&'static str] = $name::NAMES;
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

pub(crate) use named;
