#!/bin/sh
# Fetch Tesseract's Russian into FOLDER, out of Debian's package and without installing that: the tests and
# benchmarks read scans in Cyrillic with it. Without it they say what they leave out, so failing is no error.
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
