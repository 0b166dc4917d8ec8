#include "common/demangled_name.h"

#include <gmock/gmock.h>

#include <string>

namespace hftmon {
namespace {

TEST(DemangledNameTest, WhatCouldGrowWithoutBoundIsLeftAsItIs) {
  EXPECT_EQ(DemangledName("main"), "main");
  EXPECT_EQ(DemangledName("_Znonsense"), "_Znonsense");
  EXPECT_EQ(DemangledName("_ZNSt6vectorI5OrderSaIS0_EE12emplace_backIJS0_EEERS0_DpOT_"),
            "Order& std::vector<Order, std::allocator<Order> >::emplace_back<Order>(Order&&)");
  EXPECT_EQ(DemangledName("_ZN4spsc10spsc_queueI5OrderE4pushERKS1_"), "spsc::spsc_queue<Order>::push(Order const&)");
  std::string doubled = "_Z1f1a1pIS_S_ES0_IS1_S1_E";
  for (char last = '2'; last <= '9'; ++last) {
    doubled += std::string("S0_IS") + last + "_S" + last + "_E";  // each twice the one before
  }
  const std::string within = doubled.substr(0, doubled.size() - 3 * 11);
  EXPECT_NE(DemangledName(within), within);
  for (char last = 'A'; last <= 'Z'; ++last) doubled += std::string("S0_IS") + last + "_S" + last + "_E";
  EXPECT_EQ(DemangledName(doubled), doubled);
  EXPECT_EQ(DemangledName("_Z1fIJ" + std::string(300, 'c') + "EEvDpDpDpT_"), "_Z1fIJ" + std::string(300, 'c') + "EEvDpDpDpT_");
  EXPECT_EQ(DemangledName("_Z" + std::to_string(1'100) + std::string(1'100, 'f') + "v").substr(0, 6), "_Z1100");
}

}  // namespace
}  // namespace hftmon
