#include "tests/workloads/arguments.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>

namespace hftmon::workload {

Arguments::Arguments(int argc, char** argv, std::initializer_list<std::string> options, std::initializer_list<std::string> flags) {
  const auto contains = [](const auto& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const std::string name = word.starts_with("--") ? word.substr(2) : "";
    if (contains(flags, name)) {
      values_[name] = "";
    } else if (contains(options, name) && i + 1 < argc) {
      values_[name] = argv[++i];
    } else {
      const bool asked = name == "help";
      std::FILE* out = asked ? stdout : stderr;
      if (!asked) std::fprintf(out, "%s: '%s' is unknown or lacks its value\n", argv[0], word.c_str());
      for (const std::string& option : options) std::fprintf(out, "  --%s N\n", option.c_str());
      for (const std::string& flag : flags) std::fprintf(out, "  --%s\n", flag.c_str());
      std::exit(asked ? 0 : 3);
    }
  }
}

int64_t Arguments::Number(const std::string& option, int64_t absent, int64_t least, int64_t most) const {
  const auto found = values_.find(option);
  if (found == values_.end()) return absent;
  const std::string& text = found->second;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    std::fprintf(stderr, "--%s is '%s': give a whole number from %lld to %lld\n", option.c_str(), text.c_str(),
                 static_cast<long long>(least), static_cast<long long>(most));
    std::exit(3);
  }
  return value;
}

std::string Arguments::Text(const std::string& option, const std::string& absent) const {
  const auto found = values_.find(option);
  return found == values_.end() ? absent : found->second;
}

}  // namespace hftmon::workload
