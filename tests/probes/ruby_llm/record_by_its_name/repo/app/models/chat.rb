class Chat < ApplicationRecord
  acts_as_chat

  def stream_key = Rails.application.message_verifier(:streams).generate(id)
end
