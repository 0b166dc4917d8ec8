#include "tests/privileged/harness/bpftrace_maps.h"

#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>

namespace hftmon::testing {
namespace {

constexpr char kWithTracefs[] = "mount -t tracefs none /sys/kernel/tracing 2>/dev/null || true; exec \"$@\"";

}  // namespace

std::vector<std::string> InOwnMounts(std::vector<std::string> command) {
  command.insert(command.begin(), {"unshare", "-m", "sh", "-c", kWithTracefs, "sh"});
  return command;
}

BpftraceMaps::BpftraceMaps(const std::string& probes, int cpu) {
  Subprocess::Options options;
  options.cpus = {cpu};
  const std::string script = probes + " interval:ms:100 { printf(\"begun\\n\"); }";
  process_ = std::make_unique<Subprocess>(InOwnMounts({"bpftrace", "-q", "-f", "json", "-e", script}), options);
  while (const auto line = process_->ReadLine(30'000)) {
    if (line->find("begun") != std::string::npos) return;
  }
  why_not_ = "bpftrace does not begin here: " + process_->ErrorText();
  process_.reset();
}

std::map<std::string, std::map<std::string, int64_t>> BpftraceMaps::Stop() {
  std::map<std::string, std::map<std::string, int64_t>> maps;
  process_->Signal(SIGINT);
  std::istringstream text(process_->ReadAll(60'000));
  for (std::string line; std::getline(text, line);) {
    const nlohmann::json record = nlohmann::json::parse(line, nullptr, false);
    if (record.is_discarded() || record.value("type", "") != "map") continue;
    for (const auto& [name, values] : record["data"].items()) {
      if (values.is_number_integer()) maps[name][""] = values.get<int64_t>();
      if (!values.is_object()) continue;
      for (const auto& [key, value] : values.items()) {
        if (value.is_number_integer()) maps[name][key] = value.get<int64_t>();
      }
    }
  }
  return maps;
}

}  // namespace hftmon::testing
