//! Netfilter's decisions and bindings, as the kernel reports them.
