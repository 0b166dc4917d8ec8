#include "common/demangled_name.h"

#include <cxxabi.h>

#include <cstddef>
#include <cstdlib>
#include <string_view>

namespace hftmon {
namespace {

constexpr size_t kMangledBytesMax = 1'024;
constexpr size_t kDemangledBytesMax = 4'096;
// Two references back double what a name stands for: at most 2^18 times the name.
constexpr size_t kReferencesMax = 36;
constexpr size_t kReferencesPerExpansion = 20;  // one repeats its pattern for each of at most 1,024 arguments

bool IsReference(char letter, char next) {
  return (letter == 'S' || letter == 'T') && (next == '_' || (next >= '0' && next <= '9') || (next >= 'A' && next <= 'Z'));
}

// Only within an expression does "sp" expand: elsewhere it is a part of a name.
bool MayBeginExpression(char letter, char next) {
  if (letter == 'X') return true;
  if (letter == 'A') return next < '0' || next > '9';
  return letter == 'D' && std::string_view("TtOBv").find(next) != std::string_view::npos;
}

// An upper bound: letters within identifiers count too.
size_t ReferencesIn(std::string_view name) {
  size_t references = 0, type_expansions = 0, expression_expansions = 0;
  bool expressions = false;
  for (size_t i = 0; i + 1 < name.size(); ++i) {
    const char letter = name[i], next = name[i + 1];
    references += IsReference(letter, next) ? 1 : 0;
    type_expansions += letter == 'D' && next == 'p' ? 1 : 0;
    expression_expansions += letter == 's' && (next == 'p' || next == 'P' || next == 'Z') ? 1 : 0;
    expressions = expressions || MayBeginExpression(letter, next);
  }
  return references + kReferencesPerExpansion * (type_expansions + (expressions ? expression_expansions : 0));
}

}  // namespace

std::string DemangledName(const std::string& name) {
  if (!name.starts_with("_Z") || name.size() > kMangledBytesMax || ReferencesIn(name) > kReferencesMax) return name;
  int status = 0;
  char* const text = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  std::string demangled = status == 0 && text != nullptr ? text : name;
  free(text);
  return demangled.size() > kDemangledBytesMax ? name : demangled;
}

}  // namespace hftmon
