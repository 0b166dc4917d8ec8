#include "client/export/folded_stacks.h"

#include <fmt/format.h>

#include <cmath>

namespace hftmon {
namespace {

std::string Frame(const std::string& name) {
  std::string frame = name.empty() ? "?" : name;
  for (char& c : frame) {
    if (c == ';') c = ',';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return frame;
}

}  // namespace

std::string FoldedStacks(const std::vector<AlphaFrame>& frames) {
  std::string text;
  for (const AlphaFrame& frame : frames) {
    const double value = std::round(frame.units);
    if (value < 1) continue;
    for (size_t i = 0; i < frame.names.size(); ++i) {
      text += i == 0 ? Frame(frame.names[0]) + " (1 = 0.0001)" : ";" + Frame(frame.names[i]);
    }
    text += fmt::format(" {:.0f}\n", value);
  }
  return text;
}

}  // namespace hftmon
