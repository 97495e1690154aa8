class Conversation < ApplicationRecord
  include Answering
  acts_as_chat
end
