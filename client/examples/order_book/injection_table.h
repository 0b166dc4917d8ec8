// The one list of the kinds of injections: what --inject takes, what its help says, what makes them.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTION_TABLE_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTION_TABLE_H_

#include <memory>
#include <span>
#include <string_view>

#include "client/examples/order_book/injection.h"

namespace hftmon::order_book {

struct InjectionKind {
  const char* name = "";
  const char* help = "";
  // Whether it has threads that run on helper_cpu.
  bool has_helper = false;
  std::unique_ptr<Injection> (*make)(const InjectionPlan& plan) = nullptr;
};

std::span<const InjectionKind> InjectionKinds();
// nullptr when there is no such kind.
const InjectionKind* FindInjectionKind(std::string_view name);

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTION_TABLE_H_
