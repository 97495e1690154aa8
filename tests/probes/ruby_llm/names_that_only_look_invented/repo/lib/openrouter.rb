module Openrouter
  class Client
    def ping = :pong
  end
end
