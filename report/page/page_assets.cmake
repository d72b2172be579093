# Finds the libraries of the page, checks that they are the versions that it was written for, and packs them with web/.
#
# Sets page_assets_source: the C++ file that holds all of them.

# Which file, which package, and the text by which the tested version is known.
function(oomcast_find_web_library name file package version_text)
  string(TOUPPER "OOMCAST_${name}" variable)
  string(REPLACE "-" "_" variable "${variable}")
  find_file(${variable} ${file} PATHS /usr/share/javascript /usr/share/nodejs NO_DEFAULT_PATH)
  find_file(${variable}_LICENCE ${package}/copyright PATHS /usr/share/doc NO_DEFAULT_PATH)
  if(NOT ${variable} OR NOT ${variable}_LICENCE)
    message(FATAL_ERROR "oomcast: ${name} or its licence not found. On Debian 12: sudo apt-get install ${package}")
  endif()
  file(READ "${${variable}}" text)
  string(FIND "${text}" "${version_text}" found)
  if(found EQUAL -1)
    message(FATAL_ERROR "oomcast: ${${variable}} is not the version that the page was written for (\"${version_text}\" is "
                        "not in it). On Debian 12: sudo apt-get install ${package}; or give another file with -D${variable}=FILE")
  endif()
  set(library "${name}|${${variable}}|${${variable}_LICENCE}" PARENT_SCOPE)
endfunction()

set(assets "")
set(inputs ${CMAKE_CURRENT_LIST_DIR}/pack_assets.cmake)
oomcast_find_web_library(dygraphs dygraphs/dygraph.min.js libjs-dygraphs "dygraphs/blob/v2.2.1/")
list(APPEND assets "${library}")
oomcast_find_web_library(d3-hierarchy d3-hierarchy/dist/d3-hierarchy.min.js node-d3-hierarchy "d3-hierarchy/ v1.1.8")
list(APPEND assets "${library}")
# In this order: each file uses what the files before it have put into window.oomcast.
foreach(name style.css charts.css core.js theme.js table.js chart.js cursor.js timeline.js flame.js sites.js services.js kills.js
             findings.js host.js sweep.js diff.js start.js)
  list(APPEND assets "${name}|${CMAKE_CURRENT_LIST_DIR}/web/${name}|-")
endforeach()
foreach(asset IN LISTS assets)
  string(REGEX MATCH "\\|([^|]+)\\|" path "${asset}")
  list(APPEND inputs "${CMAKE_MATCH_1}")
endforeach()

set(page_assets_source ${CMAKE_CURRENT_BINARY_DIR}/page_assets.cc)
add_custom_command(
  OUTPUT ${page_assets_source}
  COMMAND ${CMAKE_COMMAND} "-DOUT=${page_assets_source}" "-DASSETS=${assets}" -P ${CMAKE_CURRENT_LIST_DIR}/pack_assets.cmake
  DEPENDS ${inputs}
  COMMENT "Packing the scripts and styles of the page"
  VERBATIM)
