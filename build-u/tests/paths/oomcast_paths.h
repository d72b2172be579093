#pragma once
#define OOMCAST_SOURCE_DIR "/tmp/wt/file2"
#define OOMCAST_BINARY_DIR "/tmp/wt/file2/build-u"
