//! What an implementation runs in.

use std::process::{Command, Stdio};

use goldpath::lab::{Groups, Jail, JailOptions, Netns};

use super::{Checked, same};

pub(super) fn is_idle() -> Checked {
    let options = JailOptions::default();
    let jail = Jail::open(&Netns::create()?, &options, [], Groups::ReadOnly)?;
    same(jail.is_idle(), true)?;
    // It ends with its input.
    let mut program = jail.run(|| Command::new("cat").stdin(Stdio::piped()).spawn())??;
    same(jail.is_idle(), false)?;
    drop(program.stdin.take());
    program.wait()?;
    same(jail.is_idle(), true)
}
