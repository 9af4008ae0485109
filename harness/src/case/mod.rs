//! What a contributor writes: case files, their validation and discovery.
