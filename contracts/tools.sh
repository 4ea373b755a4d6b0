# Sourced by build.sh and anvil.sh: the packages of tools/package-lock.json, which has their digests, in the cache.
# Needs node and npm; sets `tools` to the folder that has them.

for tool in node npm; do
    command -v $tool >/dev/null || { echo "$tool is missing" >&2; exit 3; }
done
lock=$(cat tools/package.json tools/package-lock.json | sha256sum | cut -c 1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/nonos-contract-tools
tools=$cache/$lock/node_modules
if [ ! -d "$cache/$lock" ]; then
    # Whole or not at all, also if two do this at once. No script of a package is run.
    mkdir -p "$cache"
    new=$(mktemp -d "$cache/new.XXXXXX")
    trap 'rm -rf "$new"' EXIT
    cp tools/package.json tools/package-lock.json "$new"
    (cd "$new" && npm ci --ignore-scripts --no-audit --no-fund --omit-lockfile-registry-resolved --loglevel error) >&2 ||
        { echo "npm could not install what contracts/tools/package-lock.json lists" >&2; exit 3; }
    mv -T "$new" "$cache/$lock" 2>/dev/null || [ -d "$cache/$lock" ]
fi
