#!/bin/sh
# Fetch Tesseract's Russian into FOLDER, out of the distribution's package and without installing that:
# the tests and benchmarks read scans in Cyrillic with it. Where there is no apt-get, they say what they leave out.
set -eu
folder=$1 package=tesseract-ocr-rus
mkdir -p "$folder"
cd "$folder"
fetch() { apt-get --quiet=2 download "$package" 2> /dev/null; }
if command -v apt-get > /dev/null && { fetch || { apt-get --quiet=2 update && fetch; }; }; then
    dpkg-deb --fsys-tarfile "$package"_*.deb | tar --extract --wildcards --transform 's,.*/,,' '*.traineddata'
    rm "$package"_*.deb
else
    echo "The package $package could not be fetched; set TESSDATA_PREFIX to a folder that has rus.traineddata."
fi
