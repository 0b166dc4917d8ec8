// Split: the parts of a text between separators. absl's splitter does not take std::string_view where its own is another type.
#ifndef HFTMON_DAEMON_STACKS_SPLIT_H_
#define HFTMON_DAEMON_STACKS_SPLIT_H_

#include <algorithm>
#include <string_view>
#include <vector>

namespace hftmon {

// "a\t\tb" has three parts; an empty text has one.
inline std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    if (end == text.size()) return parts;
    text.remove_prefix(end + 1);
  }
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STACKS_SPLIT_H_
