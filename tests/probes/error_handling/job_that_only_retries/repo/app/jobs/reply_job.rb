class ReplyJob < ApplicationJob
  retry_on RubyLLM::Error, attempts: 3

  def perform(id, text)
    Store.append(id, RubyLLM.chat.ask(text).content)
  end
end
