// TopPage: a screen as lines of text with how each piece of it looks. Passive data, and its text.
#ifndef HFTMON_CLIENT_TOP_TOP_PAGE_H_
#define HFTMON_CLIENT_TOP_TOP_PAGE_H_

#include <string>
#include <utility>
#include <vector>

#include "client/top/top_model.h"

namespace hftmon {

// What a piece of text is; whoever draws chooses attributes for it, and colours where there are some. Nothing is told by it alone.
enum class TopStyle {
  kPlain,
  kStrong,    // what the eye should find: names, durations
  kTitle,     // a bar over the whole line
  kSelected,  // likewise
  kWarning,   // lost, refused, gone
  kKind,      // of a spike
  kFaint,     // keys, hints
};

struct TopSpan {
  std::string text;  // OneColumnEach
  TopStyle style = TopStyle::kPlain;
};

using TopLine = std::vector<TopSpan>;

struct TopPage {
  std::vector<TopLine> lines;  // at most as many, and each at most as wide, as was asked for
  TopRoom room;
};

struct TopSize {
  int width = 80;
  int height = 24;
};

// Each line ended, without trailing spaces.
inline std::string PageText(const TopPage& page) {
  std::string text;
  for (const TopLine& line : page.lines) {
    std::string plain;
    for (const TopSpan& span : line) plain += span.text;
    plain.erase(plain.find_last_not_of(' ') + 1);
    text += plain + "\n";
  }
  return text;
}

}  // namespace hftmon

#endif  // HFTMON_CLIENT_TOP_TOP_PAGE_H_
