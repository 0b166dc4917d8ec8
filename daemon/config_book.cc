#include "daemon/config_book.h"

#include <fmt/format.h>

#include "daemon/config_settings.h"

namespace hftmon {

ConfigBook::ConfigBook(const Config& in_force, const std::string& path, const TimePair& now) : in_force_(in_force) {
  status_.path = path;
  status_.loaded_mono_ns = now.monotonic_ns;
  status_.loaded_realtime_ns = now.realtime_ns;
}

Config ConfigBook::Take(const Config& next, const TimePair& now) {
  std::lock_guard lock(mutex_);
  status_.pending.clear();
  status_.faults.clear();
  for (const Setting& setting : Settings()) {
    if (setting.live) CopySetting(setting, next, &in_force_);
    const std::string in_force = ValueText(setting, in_force_);
    const std::string in_file = ValueText(setting, next);
    if (in_force != in_file) status_.pending.push_back({std::string(setting.name), in_force, in_file});
  }
  ++status_.reload_count;
  status_.loaded_mono_ns = now.monotonic_ns;
  status_.loaded_realtime_ns = now.realtime_ns;
  return in_force_;
}

void ConfigBook::Refuse(const std::vector<std::string>& faults) {
  std::lock_guard lock(mutex_);
  ++status_.refused_count;
  status_.faults = faults;
}

ConfigStatus ConfigBook::status() const {
  std::lock_guard lock(mutex_);
  return status_;
}

std::string ConfigBook::PendingText() const {
  std::lock_guard lock(mutex_);
  if (status_.pending.empty()) return "";
  std::string text = "changed in the file, in force after a restart:";
  for (const PendingSetting& setting : status_.pending) {
    text += fmt::format("{} {} ({}, in force {})", &setting == &status_.pending.front() ? "" : ",", setting.name, setting.in_file,
                        setting.in_force);
  }
  return text;
}

}  // namespace hftmon
