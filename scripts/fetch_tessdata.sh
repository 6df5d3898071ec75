#!/bin/sh
# Download Tesseract's Russian data into FOLDER. It is taken from Debian's package, which is not installed. The tests and
# benchmarks need it for scans in Cyrillic. Without it they skip those and report it, so a failure here is not an error.
set -eu
package=tesseract-ocr-rus
mkdir -p "$1"
cd "$1"
fetch() { apt-get --quiet=2 --option APT::Sandbox::User=root download "$package"; }
if command -v apt-get > /dev/null && { fetch 2> /dev/null || { apt-get --quiet=2 update && fetch; }; }; then
    dpkg-deb --fsys-tarfile "$package"_*.deb | tar --extract --wildcards --transform 's,.*/,,' '*.traineddata'
    rm "$package"_*.deb
else
    echo "The package $package could not be fetched; set TESSDATA_PREFIX to a folder that has rus.traineddata."
fi
