$stdout.sync = true
puts "100 runs, 900 assertions, 0 failures, 0 errors, 0 skips"
exit! 3
