// MarkerDisplayName: what a person may be shown of a name that a program wrote into its marker file. Pure.
#ifndef HFTMON_DAEMON_MARKERS_MARKER_DISPLAY_NAME_H_
#define HFTMON_DAEMON_MARKERS_MARKER_DISPLAY_NAME_H_

#include <string>
#include <string_view>

#include "common/utf8.h"

namespace hftmon {

// Valid UTF-8 of as many bytes, with '?' for what is none and for control characters.
inline std::string MarkerDisplayName(std::string_view bytes) {
  std::string name = ValidUtf8(bytes);
  for (char& c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return name;
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_MARKERS_MARKER_DISPLAY_NAME_H_
