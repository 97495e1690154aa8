Devise.setup do |config|
  # config.secret_key = 'a4abd4448c49562d828115d13a1fccea927f52b4d5459297f8b43e42da89238bc13626e43dcb38ddb082488927ec904fb42057443983e88585179d50551afe62'
  config.stretches = 12
end
