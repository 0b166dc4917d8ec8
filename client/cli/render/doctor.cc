#include "client/cli/render/doctor.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/cli/table.h"

namespace hftmon {
namespace {

struct Mark {
  const char* text;
  const char* colour;
};

Mark MarkOf(const v1::Capability& capability) {
  if (capability.available()) return {"ok     ", "\033[32m"};
  if (capability.required()) return {"MISSING", "\033[31m"};
  return {"none   ", "\033[33m"};
}

}  // namespace

std::string DoctorText(const v1::GetCapabilitiesResponse& response, const TextStyle& style) {
  size_t width = 0;
  for (const v1::Capability& capability : response.capabilities()) width = std::max(width, capability.name().size());
  std::string text;
  for (const v1::Capability& capability : response.capabilities()) {
    const Mark mark = MarkOf(capability);
    text += style.colour ? mark.colour + std::string(mark.text) + "\033[0m" : mark.text;
    std::string line = fmt::format("  {:<{}}  {}", Printable(capability.name()), width, Printable(capability.reason()));
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
    if (!capability.mend().empty()) text += fmt::format("         {:<{}}  mend: {}\n", "", width, Printable(capability.mend()));
  }
  return text;
}

Json DoctorJson(const v1::GetCapabilitiesResponse& response) {
  Json json = NewAnswer();
  json["capabilities"] = Json::array();
  for (const v1::Capability& capability : response.capabilities()) {
    json["capabilities"].push_back({{"name", capability.name()},
                                    {"available", capability.available()},
                                    {"reason", capability.reason()},
                                    {"mend", capability.mend()},
                                    {"required", capability.required()}});
  }
  return json;
}

}  // namespace hftmon
