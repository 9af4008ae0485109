# CycloneDX 1.5 of the program, from `cargo metadata`. What is in it comes as $parts, lines as "serde v1.0.0"; checksums as
# $sums, from such a line to that of Cargo.lock; what else is linked as $others.
def reference: "pkg:cargo/\(.name)@\(.version)";
def expression: (.license // "NOASSERTION") | gsub(" */ *"; " OR ");

. as {$resolve} | ($parts | split("\n") | map(select(. != "")) | unique) as $names
| [.packages[] | select("\(.name) v\(.version)" | IN($names[]))] | sort_by(.name, .version) as $packages
| (reduce $packages[] as $package ({}; .[$package.id] = ($package | reference))) as $references
| {
    bomFormat: "CycloneDX", specVersion: "1.5", version: 1,
    metadata: {
      timestamp: ($time | tonumber | todate),
      component: {
        type: "application", "bom-ref": "goldpath", name: "goldpath", version: $version,
        licenses: [{expression: "MIT OR Apache-2.0"}], hashes: [{alg: "SHA-256", content: $program}]
      }
    },
    components: (
      [$packages[] | "\(.name) v\(.version)" as $name | {
        type: "library", "bom-ref": reference, name, version, purl: reference, description,
        licenses: [{expression: expression}]
      }
      + if $sums[$name] then {hashes: [{alg: "SHA-256", content: $sums[$name]}]} else {} end
      + if .repository then {externalReferences: [{type: "vcs", url: .repository}]} else {} end]
      + $others),
    dependencies: (
      [{ref: "goldpath", dependsOn: (["pkg:cargo/goldpath@\($version)"] + [$others[]."bom-ref"])}]
      + [$resolve.nodes[] | select($references[.id]) | {
        ref: $references[.id],
        dependsOn: ([.deps[] | select(any(.dep_kinds[]; .kind == null)) | $references[.pkg] // empty] | unique)
      }])
  }
