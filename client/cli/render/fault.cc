#include "client/cli/render/fault.h"

#include <fmt/format.h>

#include "client/cli/table.h"

namespace hftmon {

std::string MappingText(const std::string& mapping, const std::string& file) {
  if (!file.empty()) return "file " + Printable(file);
  if (mapping == "anonymous") return "anonymous memory";
  return mapping == "special" ? "special mapping" : mapping;
}

std::string FaultText(const v1::PageFault& fault) {
  std::string text = fmt::format("    page fault: {}, {}at {:#x}", fault.major() ? "major" : "minor",
                                 fault.in_kernel() ? "in a system call, " : "", fault.address());
  if (fault.mapping().empty()) return text + "\n";
  text += std::string(", now ") + (fault.shared() ? "shared " : "") + MappingText(fault.mapping(), fault.file());
  if (fault.has_file_offset()) {
    text += fmt::format(" +{:#x}", fault.file_offset());
  } else {
    text += fmt::format(" from {:#x}", fault.mapping_start());
  }
  return text + "\n";
}

Json FaultJson(const v1::PageFault& fault) {
  Json json{{"major", fault.major()}, {"in_kernel", fault.in_kernel()}, {"address", fault.address()}};
  if (fault.mapping().empty()) return json;
  json["mapping"] = fault.mapping();
  json["shared"] = fault.shared();
  json["mapping_start"] = fault.mapping_start();
  if (!fault.file().empty()) json["file"] = fault.file();
  if (fault.has_file_offset()) json["file_offset"] = fault.file_offset();
  return json;
}

}  // namespace hftmon
