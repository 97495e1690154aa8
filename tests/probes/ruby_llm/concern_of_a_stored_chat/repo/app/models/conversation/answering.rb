module Conversation::Answering
  extend ActiveSupport::Concern

  def answer(words)
    create_user_message(words)
    self.complete
  rescue RubyLLM::Error => e
    update!(problem: e.message)
  end
end
