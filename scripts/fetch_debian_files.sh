#!/bin/sh
# Take files out of Debian's packages, which are not installed:
#
#     fetch_debian_files.sh FOLDER PATTERN PACKAGE...
#
# The tests and benchmarks need language data for scans in scripts that the OCR models do not know, and fonts to draw
# such scans. Without them they skip those and report it, so a failure here is not an error.
set -eu
folder=$1 pattern=$2
shift 2
mkdir -p "$folder"
cd "$folder"
fetch() { apt-get --quiet=2 --option APT::Sandbox::User=root download "$@"; }
if command -v apt-get > /dev/null && { fetch "$@" 2> /dev/null || { apt-get --quiet=2 update && fetch "$@"; }; }; then
    for package in *.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar --extract --wildcards --transform 's,.*/,,' "$pattern"
        rm "$package"
    done
else
    echo "These packages could not be fetched: $*."
fi
