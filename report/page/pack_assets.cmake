# Packs scripts, styles and licences into one C++ source: the text of each file, and the SHA-256 that a Content Security
# Policy names it by.
#
#   cmake -DOUT=assets.cc -DASSETS="name|path|licence path;..." -P pack_assets.cmake
#
# An asset whose text would end its own HTML element early is an error here, not a hole in the page.

set(base64_digits "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

# 64 hexadecimal digits (32 bytes) as base64: ten groups of three bytes, then two bytes and a "=".
function(hex_to_base64 hex result)
  set(text "")
  set(padded "${hex}00")
  foreach(at RANGE 0 60 6)
    string(SUBSTRING "${padded}" ${at} 6 three_bytes)
    math(EXPR number "0x${three_bytes}")
    foreach(shift 18 12 6 0)
      math(EXPR digit "(${number} >> ${shift}) & 63")
      string(SUBSTRING "${base64_digits}" ${digit} 1 character)
      string(APPEND text "${character}")
    endforeach()
  endforeach()
  string(LENGTH "${text}" length)
  math(EXPR length "${length} - 1")
  string(SUBSTRING "${text}" 0 ${length} text)
  set(${result} "${text}=" PARENT_SCOPE)
endfunction()

# The bytes of a file as the initialiser of an array of char.
function(bytes_of path result)
  file(READ "${path}" hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  set(${result} "${bytes}" PARENT_SCOPE)
endfunction()

set(arrays "")
set(rows "")
set(number 0)
foreach(asset IN LISTS ASSETS)
  string(REPLACE "|" ";" parts "${asset}")
  list(GET parts 0 name)
  list(GET parts 1 path)
  list(GET parts 2 licence)
  file(READ "${path}" text)
  # A browser's developer tools would look for the map beside the page.
  string(REGEX REPLACE "\n//# sourceMappingURL=[^\n]*" "\n" text "${text}")
  string(TOLOWER "${text}" lower)
  foreach(bad "</script" "</style" "<!--" "\r")
    string(FIND "${lower}" "${bad}" found)
    if(NOT found EQUAL -1)
      message(FATAL_ERROR "oomcast: ${path} contains \"${bad}\" and cannot be inlined in a page")
    endif()
  endforeach()
  file(WRITE "${OUT}.text" "${text}")
  file(SHA256 "${OUT}.text" hash)
  hex_to_base64("${hash}" hash)
  bytes_of("${OUT}.text" bytes)
  string(APPEND arrays "constexpr char kText${number}[] = {${bytes}'\\0'};\n")
  if(licence STREQUAL "-")
    string(APPEND arrays "constexpr char kLicence${number}[] = \"\";\n")
  else()
    file(READ "${licence}" licence_text)
    string(FIND "${licence_text}" "--" found)
    if(NOT found EQUAL -1)
      string(REPLACE "--" "- -" licence_text "${licence_text}")
    endif()
    file(WRITE "${OUT}.text" "${licence_text}")
    bytes_of("${OUT}.text" bytes)
    string(APPEND arrays "constexpr char kLicence${number}[] = {${bytes}'\\0'};\n")
  endif()
  string(APPEND rows "    {\"${name}\", {kText${number}, sizeof kText${number} - 1}, \"${hash}\", "
                     "{kLicence${number}, sizeof kLicence${number} - 1}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(REMOVE "${OUT}.text")

file(WRITE "${OUT}" "// Holds what a page is made of; written by pack_assets.cmake.
#include \"report/page/assets.h\"

namespace oomcast::report {
namespace {

${arrays}
constexpr Asset kAssets[] = {
${rows}};

}  // namespace

std::span<const Asset> page_assets() { return kAssets; }

}  // namespace oomcast::report
")
