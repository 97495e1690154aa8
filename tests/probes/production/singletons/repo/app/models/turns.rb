module Turns
  mattr_accessor :messages, default: []
end
