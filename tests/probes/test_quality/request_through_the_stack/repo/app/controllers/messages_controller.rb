class MessagesController < ApplicationController
  def create
    @reply = answer
  end

  private

  def answer = Ask.new.call(params[:text])
end
