#!/bin/sh
# Installs the C library: headers, both libraries, and what pkg-config and CMake need to find them.
#
#   install.sh LIBRARIES       the directory where cargo put libsessile.so and libsessile.a
#
# From the environment: PREFIX, /usr/local unless it is set; LIBDIR, `lib` below it, or another
# path as in lib/x86_64-linux-gnu; DESTDIR, a directory that stands for the root, for packages.
set -eu

libraries=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."

prefix=${PREFIX:-/usr/local}
case $prefix in
    /*) ;;
    *) echo "PREFIX is to begin with a /: $prefix" >&2; exit 1 ;;
esac
libdir=${LIBDIR:-lib}
case $libdir in
    /*) ;;
    *) libdir=$prefix/$libdir ;;
esac
includedir=$prefix/include
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
soname_version=${version%%.*}
# What the standard library of Rust calls, beside the archive.
system_libraries="-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc"
system_libraries_list=$(echo "$system_libraries" | sed 's/^-l//; s/ -l/;/g')
include_from_here=$(realpath -m --relative-to="$libdir/cmake/sessile" "$includedir")

fill() { # template, target: puts the values above into their places
    sed -e "s|@prefix@|$prefix|g" \
        -e "s|@libdir@|$libdir|g" \
        -e "s|@includedir@|$includedir|g" \
        -e "s|@version@|$version|g" \
        -e "s|@soname_version@|$soname_version|g" \
        -e "s|@system_libraries@|$system_libraries|g" \
        -e "s|@system_libraries_list@|$system_libraries_list|g" \
        -e "s|@include_from_here@|$include_from_here|g" \
        "ffi/install/$1.in" >"$2/$1"
    chmod 644 "$2/$1"
}

to=${DESTDIR:-}$libdir
install -d "${DESTDIR:-}$includedir/sessile" "$to/pkgconfig" "$to/cmake/sessile"
install -m 644 include/sessile.h include/sessile.hpp "${DESTDIR:-}$includedir"
install -m 644 include/sessile/*.hpp "${DESTDIR:-}$includedir/sessile"
install -m 644 "$libraries/libsessile.a" "$to"
install -m 755 "$libraries/libsessile.so" "$to/libsessile.so.$version"
# Programs look for the first name, the linker for the second.
ln -sf "libsessile.so.$version" "$to/libsessile.so.$soname_version"
ln -sf "libsessile.so.$soname_version" "$to/libsessile.so"
fill sessile.pc "$to/pkgconfig"
fill sessile-static.pc "$to/pkgconfig"
fill sessileConfig.cmake "$to/cmake/sessile"
fill sessileConfigVersion.cmake "$to/cmake/sessile"
