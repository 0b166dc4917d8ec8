// hftmond_manual: prints the manual page hftmond(8), at build time.
#include <iostream>

#include "daemon/config_manual.h"

int main() {
  std::cout << hftmon::ConfigManual();
  return std::cout.flush() ? 0 : 3;
}
