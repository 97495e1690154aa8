class MessagesController < ApplicationController
  def create
    @reply = answer(params[:content])
  end

  private

  def answer(text)
    reply = RubyLLM.chat.ask(text).content
    reply || NOTHING
  end
end
