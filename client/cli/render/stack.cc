#include "client/cli/render/stack.h"

#include <fmt/format.h>

#include "client/cli/table.h"

namespace hftmon {
namespace {

std::string FrameText(const v1::StackFrame& frame) {
  std::string place = frame.symbol().empty() ? "" : fmt::format("{}+{:#x}", Printable(frame.symbol()), frame.symbol_offset());
  if (!frame.module().empty() && frame.module() != "[kernel]") {
    place += fmt::format("{}({}+{:#x})", place.empty() ? "" : " ", Printable(frame.module()), frame.module_offset());
  }
  return fmt::format("      {:#018x}  {}\n", frame.address(), place);
}

std::string PartText(const char* name, const v1::StackPart& part) {
  std::string text = fmt::format("    {} stack", name);
  if (part.state() != "complete") text += fmt::format(", {}: {}", part.state(), Printable(part.reason()));
  text += "\n";
  for (const v1::StackFrame& frame : part.frames()) text += FrameText(frame);
  return text;
}

}  // namespace

void AddStackPart(const std::string& name, const v1::StackPart& part, Json* json) {
  Json frames = Json::array();
  for (const v1::StackFrame& frame : part.frames()) {
    Json entry{{"address", frame.address()}};
    if (!frame.symbol().empty()) entry["symbol"] = frame.symbol();
    if (!frame.symbol().empty()) entry["offset"] = frame.symbol_offset();
    if (!frame.module().empty()) entry["module"] = frame.module();
    if (!frame.module().empty()) entry["module_offset"] = frame.module_offset();
    frames.push_back(std::move(entry));
  }
  (*json)[name] = std::move(frames);
  (*json)[name + "_state"] = part.state();
  if (!part.reason().empty()) (*json)[name + "_reason"] = part.reason();
}

std::string StackText(const v1::Stack& stack) {
  std::string text;
  if (stack.has_kernel()) text += PartText("kernel", stack.kernel());
  if (stack.has_user()) text += PartText("user", stack.user());
  return text;
}

Json StackJson(const v1::Stack& stack) {
  Json json = Json::object();
  if (stack.has_user()) AddStackPart("user", stack.user(), &json);
  if (stack.has_kernel()) AddStackPart("kernel", stack.kernel(), &json);
  json["record_ns"] = stack.record_ns();
  if (stack.copy_ns() > 0) json["copy_ns"] = stack.copy_ns();
  if (stack.unwind_ns() > 0) json["unwind_ns"] = stack.unwind_ns();
  return json;
}

}  // namespace hftmon
