//! Live kernel objects and their owners: sandbox, namespaces, links, commands.
